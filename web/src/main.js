// Starts the console: language, session, then the page that the address names.
import { render } from 'preact';
import { html } from './html.js';
import { App } from './app.js';
import { load_language, preferred_language } from './words.js';
import { load_session, show_scheme } from './session.js';
import { start_router } from './router.js';
import { start_keys } from './keys.js';

show_scheme(localStorage.getItem('scheme'));
start_router();
start_keys();
await load_language(preferred_language());
await load_session();
render(html`<${App} />`, document.getElementById('app'));
