# What a recipient costs in the ledger of limits, and what its keys weigh: see
# bench/ledger_bench.c. make bench-ledger builds and runs it (gcc flavour:
# what is shipped).

LEDGER_BENCH_ARCHIVES = $(call archives,limits os mail base)

$(B)/bench/ledger-bench: bench/ledger_bench.c $(LEDGER_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $< -Wl,--start-group $(LEDGER_BENCH_ARCHIVES) -Wl,--end-group $(LIBS)

bench-ledger: $(B)/bench/ledger-bench
	$<

.PHONY: bench-ledger
