# What a recipient costs in the ledger of limits, what its keys weigh, and how
# it scales with shards: see bench/ledger_bench.c and bench/ledger_shards.c.
# make bench-ledger builds and runs both (gcc flavour: what is shipped).

LEDGER_BENCH_ARCHIVES = $(call archives,limits os mail base)

$(B)/bench/ledger-bench: bench/ledger_bench.c
$(B)/bench/ledger-shards: bench/ledger_shards.c
$(B)/bench/ledger-bench $(B)/bench/ledger-shards: bench/ledger_world.h $(LEDGER_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $(filter %.c,$^) -Wl,--start-group $(LEDGER_BENCH_ARCHIVES) -Wl,--end-group $(LIBS)

bench-ledger: $(B)/bench/ledger-bench $(B)/bench/ledger-shards
	$(B)/bench/ledger-bench
	$(B)/bench/ledger-shards

.PHONY: bench-ledger
