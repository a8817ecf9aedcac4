# The man pages, from man/*.in and the program's tables: `make man`.
man:
	@scripts/make-man build/man
.PHONY: man
