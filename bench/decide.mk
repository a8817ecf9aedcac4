# How fast policy decides and what a view weighs: see bench/decide_bench.c.
# make bench-decide builds and runs it (gcc flavour: what is shipped).

DECIDE_BENCH_ARCHIVES = $(call archives,policy limits mail base)

$(B)/bench/decide-bench: bench/decide_bench.c bench/big_directory.c bench/big_directory.h $(DECIDE_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I. $(LINK) -o $@ $(filter %.c,$^) -Wl,--start-group $(DECIDE_BENCH_ARCHIVES) -Wl,--end-group $(LIBS)

bench-decide: $(B)/bench/decide-bench
	$<

# A directory of the largest size: what it weighs, how soon relay has it at a
# start, how soon a change is live. See bench/scale_bench.c.
SCALE_BENCH_ARCHIVES = $(call archives,control policy limits wire crypto os mail base)

$(B)/bench/scale-bench: bench/scale_bench.c bench/big_directory.c bench/big_directory.h $(SCALE_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I. $(LINK) -o $@ $(filter %.c,$^) -Wl,--start-group $(SCALE_BENCH_ARCHIVES) -Wl,--end-group $(LIBS)

bench-scale: $(B)/bench/scale-bench
	$<

.PHONY: bench-decide bench-scale
