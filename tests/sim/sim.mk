# The simulator: the program's own archives linked with the src/os of
# tests/sim. Included by the Makefile.

SIM_CFLAGS = $(filter-out -Wmissing-prototypes -Wstack-usage=16384 -Wcast-qual,$(CFLAGS)) -Itests
SIM_OBJECTS := $(patsubst tests/sim/%.c,$(B)/sim/%.o,$(addprefix tests/sim/,threads.c events.c clock.c random.c disk.c faults.c))

$(B)/sim/%.o: tests/sim/%.c
	@mkdir -p $(@D)
	$(CC) $(SIM_CFLAGS) -MMD -MP -c -o $@ $<

# The spool under crashes.
SIM_SPOOL_LIBC := $(foreach d,spool mail base,$(B)/lib/$(d).a)
SIM_SPOOL := $(foreach d,spool mail base,$(B)/sim/lib/$(d).a)
$(B)/unit/spool/test_crash: $(B)/sim/crash_spool.o $(B)/sim/heap.o $(SIM_OBJECTS) $(SIM_SPOOL)
	@mkdir -p $(@D)
	$(CC) $(LINK) -o $@ $< $(B)/sim/heap.o $(SIM_OBJECTS) -Wl,--start-group $(SIM_SPOOL) -Wl,--end-group
$(B)/unit/spool/test_scenes: $(B)/sim/scenes_spool.o $(SIM_OBJECTS) $(SIM_SPOOL_LIBC)
	@mkdir -p $(@D)
	$(CC) $(LINK) -o $@ $< $(SIM_OBJECTS) -Wl,--start-group $(SIM_SPOOL_LIBC) -Wl,--end-group
unit/spool: $(B)/unit/spool/test_crash $(B)/unit/spool/test_scenes
unit: $(B)/unit/spool/test_crash $(B)/unit/spool/test_scenes

-include $(SIM_OBJECTS:.o=.d) $(B)/sim/crash_spool.d $(B)/sim/scenes_spool.d

# The whole relay: its own archives, but for what stands in for the kernel,
# name servers and OpenSSL. Calls to malloc become calls of tests/sim/heap.c.
SIM_LAYERS := deliver receive accept queue journal spool net policy smtp limits crypto mail base
SIM_WORLD := $(patsubst %,$(B)/sim/%.o,main world failing clock_world process oracle client client_script login hop talk net sockets resolver tls_plain heap)
SIM_CORE := $(patsubst %,$(B)/obj/app/%.o,relay_core relay_core_routes relay_clock relay_ledger shard)
SIM_ARCHIVES := $(patsubst %,$(B)/sim/lib/%.a,$(SIM_LAYERS) core)

$(B)/sim/lib/core.a: $(SIM_CORE) tests/sim/heap.syms
	@mkdir -p $(@D)
	@rm -f $@ $@.raw
	ar rcsD $@.raw $(SIM_CORE)
	objcopy --redefine-syms=tests/sim/heap.syms $@.raw $@
$(B)/sim/lib/%.a: $(B)/lib/%.a tests/sim/heap.syms
	@mkdir -p $(@D)
	objcopy --redefine-syms=tests/sim/heap.syms $< $@

SIM_LIBS := -lcrypto -lsodium -lcrypt -lidn2 -lunistring -lpsl
$(B)/sim/sim: $(SIM_WORLD) $(SIM_OBJECTS) $(SIM_ARCHIVES)
	$(CC) $(LINK) -Wl,-Map=$@.map -o $@ $(SIM_WORLD) $(SIM_OBJECTS) -Wl,--start-group $(SIM_ARCHIVES) -Wl,--end-group $(SIM_LIBS)

# Says what is the relay's own and what stands in for something.
sim: $(B)/sim/sim
	@echo "the relay's own objects:" `sed -n 's,^$(B)/sim/lib/\([a-z]*\.a([a-z_0-9]*\.o)\).*,\1,p' $<.map | sort -u`
	@echo "stand-ins, and the world around them:" `sed -n 's,^LOAD $(B)/sim/\([a-z_]*\.o\)$$,\1,p' $<.map`
.PHONY: sim

-include $(SIM_WORLD:.o=.d)
