// Counts of a script of tests: check(name, ok, detail), finish().
export const results = { passed: 0, failed: 0 };

export function check(name, ok, detail = '') {
	if (ok) {
		results.passed++;
	} else {
		results.failed++;
		console.log(`FAIL ${name} ${detail}`.slice(0, 1000));
	}
}

export function finish() {
	console.log(`${results.passed} passed, ${results.failed} failed`);
	process.exit(results.failed ? 1 : 0);
}
