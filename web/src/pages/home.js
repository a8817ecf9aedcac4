// "/" and "/login" of somebody signed in: the own customer, or the operator's
// pages; after the public page the session it was about. Only leads on.
import { useEffect } from 'preact/hooks';
import { at, place, replace } from '../router.js';
import { person } from '../session.js';

export default function Home() {
	useEffect(() => {
		const { customer } = person.value;
		const reference = place.value.query.get('to');
		if (customer && /^[0-9a-z]+$/.test(reference ?? ''))
			replace(at(customer, 'sessions', reference));
		else
			replace(customer ? at(customer) : '/operator');
	}, []);
	return null;
}
