# Fills a spool for bench/queue.py.
$(B)/bench/queue_fill: bench/queue_fill.c $(call archives,base mail os spool)
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wstack-usage=16384,$(CFLAGS)) $(LINK) -o $@ $< \
		-Wl,--start-group $(call archives,base mail os spool) -Wl,--end-group $(LIBS)
bench-queue: $(B)/bench/queue_fill
