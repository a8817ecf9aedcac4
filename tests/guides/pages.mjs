/* Renders guides for the tests: a list of {id, choices, values, language} on
 * stdin, the list of pages on stdout, both JSON. */
import { guide_of } from "../../guides/index.mjs";
import { render } from "../../guides/lib/render.mjs";

let text = "";
for await (const piece of process.stdin)
	text += piece;
const pages = JSON.parse(text).map(({ id, choices, values, language }) =>
	render(guide_of(id), choices, values, language ?? "en"));
process.stdout.write(JSON.stringify(pages));
