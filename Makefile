# Builds Postrider. `make` builds the programs with gcc; FLAVOUR=clang and
# FLAVOUR=asan build beside it. Objects go to build/FLAVOUR.
#
#   make [FLAVOUR=gcc|clang|asan]   the programs
#   make unit                       the unit tests (tests/unit)
#   make unit/FOLDER                those of one folder
#   make fuzz                       the fuzz targets (clang, libFuzzer)
#   make sim                        the simulator
#   make check-folder/FOLDER        compiles one folder only

FLAVOUR ?= gcc
B := build/$(FLAVOUR)
VERSION := 0.1.0

CSTD := -std=gnu17 -D_GNU_SOURCE -DPOSTRIDER_VERSION='"$(VERSION)"' -Isrc
WARN := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow \
	-Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wnull-dereference -Wswitch-enum -Wvla -Walloca -Wundef \
	-Wpointer-arith -Wwrite-strings \
	-Werror=implicit-function-declaration \
	-Werror=incompatible-pointer-types -Werror=int-conversion
WARN_GCC := -Wformat-signedness -Wimplicit-fallthrough=5 -Wlogical-op \
	-Wduplicated-branches -Warray-bounds=2 -Wstringop-overflow=4 \
	-Wstack-usage=16384
HARDEN := -O2 -g -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fno-strict-overflow -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-common -fPIE
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed -pthread

ifeq ($(FLAVOUR),gcc)
CC := gcc
CFLAGS := $(CSTD) $(WARN) $(WARN_GCC) $(HARDEN) -U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero
LINK += -Wl,-z,nodlopen
endif
ifeq ($(FLAVOUR),clang)
CC := clang
CFLAGS := $(CSTD) $(WARN) -Wimplicit-fallthrough $(HARDEN) \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifeq ($(FLAVOUR),asan)
CC := gcc
CFLAGS := $(CSTD) $(WARN) -O1 -g -fno-omit-frame-pointer -fno-common -fPIE \
	-fsanitize=address,undefined -fno-sanitize-recover=all -Wno-null-dereference
LINK += -fsanitize=address,undefined
PROGRAM_EXTRA := tests/lib/sanitizer_options.c
endif
ifeq ($(FLAVOUR),fuzz)
CC := clang
# Without warnings: FLAVOUR=clang shows them.
CFLAGS := $(CSTD) -O1 -gline-tables-only -fno-omit-frame-pointer -fPIE \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK += -fsanitize=address,undefined
# Of these two folders only what the targets reach: compiling takes long.
LEFT_OUT := $(filter-out $(foreach f,directory_load directory_export problem problem_range rows text,src/admin/$(f).c),$(wildcard src/admin/*.c)) \
	$(filter-out $(foreach f,destination entry state,src/queue/$(f).c),$(wildcard src/queue/*.c))
endif

LIBS := -lssl -lcrypto -lunbound -lsodium -lcrypt -lidn2 -lunistring -lpsl \
	-lseccomp -lfyaml -ljansson -lsqlite3 -lmicrohttpd

FOLDERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' src/layers)
# Folders that FOLDER may use, itself first; two steps reach everything.
uses1 = $(1) $(shell sed -n 's/^$(1): *//p' src/layers)
closure = $(sort $(foreach d,$(call uses1,$(1)),$(call uses1,$(d))))
# The folders with sources (a folder may be empty while it is being built).
filled = $(foreach d,$(1),$(if $(wildcard src/$(d)/*.c),$(d)))
archives = $(foreach d,$(call filled,$(1)),$(B)/lib/$(d).a)

PROGRAMS := $(patsubst src/app/main_%.c,%,$(wildcard src/app/main_*.c))
BINARIES := $(foreach p,$(PROGRAMS),$(B)/bin/$(subst _,-,$(p)))

all: $(BINARIES)

# --- the web pages, packed into one file that console/assets.c takes in ----------
# Needs node and npm; its dependencies come by web/package-lock.json.
WEB_SOURCES := $(wildcard web/*.* web/*/* web/*/*/* web/*/*/*/* guides/*)
WEB_SOURCES := $(filter-out web/node_modules web/node_modules/%,$(WEB_SOURCES))
build/web.blob: $(WEB_SOURCES) scripts/pack-web.mjs
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "error: the web pages need node and npm:" \
	       "apt-get install nodejs npm (or run ./run --build-only as root)" >&2; exit 69; }
	@mkdir -p build
	cd web && npm ci --ignore-scripts --no-audit --no-fund --silent
	cd web && node build.mjs ../build/web
	node scripts/pack-web.mjs build/web $@
$(B)/obj/console/assets.o: build/web.blob
$(B)/obj/console/assets.o: CFLAGS += -DWEB_BLOB='"build/web.blob"'

# --- objects and archives, one a folder -------------------------------------
ALL_SOURCES := $(wildcard src/*/*.c)
MAIN_SOURCES := $(wildcard src/app/main_*.c)
OBJECTS := $(patsubst src/%.c,$(B)/obj/%.o,$(ALL_SOURCES))

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(B)/lib/$(1).a: $(patsubst src/%.c,$(B)/obj/%.o,$(filter-out $(MAIN_SOURCES) $(LEFT_OUT),$(wildcard src/$(1)/*.c)))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcsD $$@ $$^
check-folder/$(1): $(B)/lib/$(1).a
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

# --- programs -----------------------------------------------------------------
define program_rule
$(B)/bin/$(subst _,-,$(1)): $(B)/obj/app/main_$(1).o $(call archives,$(FOLDERS))
	@mkdir -p $$(@D)
	$(CC) $(LINK) -o $$@ $$< $(PROGRAM_EXTRA) -Wl,--start-group $(call archives,$(FOLDERS)) -Wl,--end-group $(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

# --- unit tests: tests/unit/FOLDER/test_X.c, linked with what FOLDER may use ----
UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNIT_BINARIES := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SOURCES))

define unit_rule
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(call archives,$(call closure,$(1)))
	@mkdir -p $$(@D)
	$(CC) $(filter-out -Wmissing-prototypes -Wstack-usage=16384,$(CFLAGS)) -Wno-format-nonliteral -Itests -MMD -MP -MF $$@.d $(LINK) \
		-o $$@ $$< -Wl,--start-group $(call archives,$(call closure,$(1))) -Wl,--end-group $(LIBS) -lcmocka
unit/$(1): $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/$(1)/test_*.c))
endef
$(foreach f,$(FOLDERS),$(eval $(call unit_rule,$(f))))
unit: $(UNIT_BINARIES)

# --- fuzz targets: tests/fuzz/fuzz_X.c ------------------------------------------
FUZZ_BINARIES := $(patsubst tests/fuzz/%.c,build/fuzz/bin/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	@$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-binaries
fuzz-binaries: $(FUZZ_BINARIES)
# What the targets reach, no more: the whole tree takes minutes.
FUZZ_FOLDERS := base mail limits smtp wire policy os spool queue admin
build/fuzz/bin/%: tests/fuzz/%.c $(call archives,$(FUZZ_FOLDERS))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -fsanitize=fuzzer -o $@ $< \
		-Wl,--start-group $(call archives,$(FUZZ_FOLDERS)) -Wl,--end-group $(LIBS)

-include $(wildcard tests/sim/sim.mk) $(wildcard bench/*.mk) $(wildcard man/*.mk)

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(UNIT_BINARIES:=.d)
.PHONY: all unit fuzz fuzz-binaries clean $(FOLDERS:%=check-folder/%) $(FOLDERS:%=unit/%)
.DELETE_ON_ERROR:
