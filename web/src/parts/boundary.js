// A page that fails in the middle of being drawn shows so in its own place; the
// frame around it works on.
import { Component } from 'preact';
import { html } from '../html.js';
import { t } from '../words.js';
import { Page } from './page.js';
import { Trouble } from '../look.js';

export class Boundary extends Component {
	state = { failed: false };

	componentDidCatch(error) {
		console.error(error);
		this.setState({ failed: true });
	}

	render() {
		return this.state.failed
			? html`<${Page} title=${t('error.title')}><${Trouble} problem=${{}} reload=${() => location.reload()} /><//>`
			: this.props.children;
	}
}
