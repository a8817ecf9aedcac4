# The simulator: the program's own archives linked with the src/os of
# tests/sim. Included by the Makefile.

SIM_CFLAGS = $(filter-out -Wmissing-prototypes -Wstack-usage=16384 -Wcast-qual,$(CFLAGS)) -Itests
SIM_OBJECTS := $(patsubst tests/sim/%.c,$(B)/sim/%.o,$(addprefix tests/sim/,threads.c events.c clock.c random.c disk.c))

$(B)/sim/%.o: tests/sim/%.c
	@mkdir -p $(@D)
	$(CC) $(SIM_CFLAGS) -MMD -MP -c -o $@ $<

# The spool under crashes.
SIM_SPOOL := $(foreach d,spool mail base,$(B)/lib/$(d).a)
$(B)/unit/spool/test_crash: $(B)/sim/crash_spool.o $(SIM_OBJECTS) $(SIM_SPOOL)
	@mkdir -p $(@D)
	$(CC) $(LINK) -o $@ $< $(SIM_OBJECTS) -Wl,--start-group $(SIM_SPOOL) -Wl,--end-group
unit/spool: $(B)/unit/spool/test_crash
unit: $(B)/unit/spool/test_crash

-include $(SIM_OBJECTS:.o=.d) $(B)/sim/crash_spool.d
