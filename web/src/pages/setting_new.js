// A new relay setting: gets its draft's name and leads to the editor. Draws nothing.
import { useEffect } from 'preact/hooks';
import { at, place, replace } from '../router.js';
import { new_id } from '../settings/draft.js';

export default function NewSetting({ customer }) {
	useEffect(() => {
		const query = place.value.query.toString();
		replace(at(customer, 'settings', new_id()) + (query ? `?${query}` : ''));
	}, []);
	return null;
}
