# How fast policy decides and what a view weighs: see bench/decide_bench.c.
# make bench-decide builds and runs it (gcc flavour: what is shipped).

DECIDE_BENCH_ARCHIVES = $(call archives,policy mail base)

$(B)/bench/decide-bench: bench/decide_bench.c $(DECIDE_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $< -Wl,--start-group $(DECIDE_BENCH_ARCHIVES) -Wl,--end-group $(LIBS)

bench-decide: $(B)/bench/decide-bench
	$<

.PHONY: bench-decide
