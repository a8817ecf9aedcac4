/* Linked into programs of the asan flavour: a sandboxed process may not do
 * what the leak checker does at exit (ptrace); unit tests check for leaks. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=1:abort_on_error=1";
}
