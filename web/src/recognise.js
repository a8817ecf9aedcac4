// What somebody typed into the search field: its kind, for the words below the
// field; the server decides what is found. Order: what is surest first.
const reference = /^[0-9a-z]{4}(-?[0-9a-z]{4}){5}-?[0-9a-z]{1,2}$/i;
const queue_id = /^0[0-9a-z]{19}$/i;
const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const ipv6 = /^[0-9a-f:]*:[0-9a-f:.]+$/i;
const domain = /^[^\s@/]+\.[^\s@/.]{2,}$/;

export function recognise(text) {
	const q = text.trim();
	if (q === '')
		return null;
	if (queue_id.test(q))
		return 'queue_id';
	if (reference.test(q))
		return 'reference';
	if (q.startsWith('<') && q.endsWith('>') && q.includes('@'))
		return 'message_id';
	if (q.includes('@') && !/\s/.test(q))
		return 'address';
	if (ipv4.test(q) || ipv6.test(q))
		return 'ip';
	if (domain.test(q))
		return 'domain';
	return 'text';
}
