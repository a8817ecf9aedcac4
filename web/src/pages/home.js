// "/" and "/login" of somebody signed in: the own customer, or the operator's
// pages. Draws nothing; it only leads on.
import { useEffect } from 'preact/hooks';
import { at, replace } from '../router.js';
import { person } from '../session.js';

export default function Home() {
	useEffect(() => {
		const { customer } = person.value;
		replace(customer ? at(customer) : '/operator');
	}, []);
	return null;
}
