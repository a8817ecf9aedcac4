// What is selected in the queue's matrix: a set of cells "row column". Pure.
// Rows and columns are numbers; the last row may be "others".

export const key_of = (row, column) => `${row} ${column}`;

export function cells_of(selection) {
	return [...selection].map((key) => key.split(' ').map(Number));
}

// Turns cells on, or off when all of them were on.
export function toggled(selection, keys) {
	const out = new Set(selection);
	const all = keys.length > 0 && keys.every((k) => out.has(k));
	keys.forEach((k) => all ? out.delete(k) : out.add(k));
	return out;
}

// All filled cells of the rectangle between two cells.
export function rectangle(counts, [row_a, column_a], [row_b, column_b]) {
	const keys = [];
	for (let r = Math.min(row_a, row_b); r <= Math.max(row_a, row_b); r++)
		for (let c = Math.min(column_a, column_b); c <= Math.max(column_a, column_b); c++)
			if (counts[r][c] > 0)
				keys.push(key_of(r, c));
	return keys;
}

export function sum_of(counts, selection) {
	return cells_of(selection).reduce((n, [r, c]) => n + (counts[r]?.[c] ?? 0), 0);
}

// Rows of the matrix as the page draws them: destinations, then the others.
export function rows_of(queue) {
	const others = queue.others;
	const some = others?.counts?.some((n) => n > 0);
	return [...queue.rows, ...(some ? [{ ...others, destination: null }] : [])];
}

// Sums of the columns.
export function totals_of(queue) {
	return queue.totals.counts;
}

// As the API takes it.
export function selection_body(queue, selection) {
	const rows = rows_of(queue);
	return { cells: cells_of(selection).map(([r, c]) => ({ destination: rows[r].destination, age: queue.ages[c] })) };
}
