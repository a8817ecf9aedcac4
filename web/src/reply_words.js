// What a remote's reply means, as a sentence (CONSOLE.md section 5), by the
// class that the API gives; unknown ones have only the remote's words.
import { t, has_word } from './words.js';

export function meaning_words(recipient) {
	const code = recipient.meaning?.code;
	if (!code || !has_word(`meaning.${code}`))
		return '';
	return t(`meaning.${code}`, { n: recipient.tries ?? 1 });
}
