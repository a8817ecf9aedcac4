// What the queue's pages share: steps of heat, states of destinations.
const steps = [[300, 4], [100, 3], [20, 2], [1, 1]];

export const heat_steps = steps;

export function heat(n) {
	return `heat-${steps.find(([least]) => n >= least)?.[1] ?? 0}`;
}

// Six ages to the overview's five: what is older than 4 h is one.
export function fold_ages(counts) {
	return [...counts.slice(0, 4), (counts[4] ?? 0) + (counts[5] ?? 0)];
}

export const destination_kind = {
	sending: 'ok', slowed: 'deferred', no_connection: 'failed', paused: 'held', held: 'held', waiting: 'deferred',
};
