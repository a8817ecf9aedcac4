// Role, unit and aliases of a user; removing.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { may } from '../session.js';
import { t } from '../words.js';
import { Dialog } from './dialog.js';
import { Note } from './note.js';
import { SelectField, TextField, error_of } from './field.js';

const roles = ['user', 'auditor', 'unit-admin', 'super-admin'];

export function EditUser({ customer, user, close, done, removed }) {
	const [role, set_role] = useState(user.role);
	const [unit, set_unit] = useState(user.org_unit ?? '');
	const [aliases, set_aliases] = useState((user.aliases ?? []).join(' '));
	const [problem, set_problem] = useState(null);
	const [asking, set_asking] = useState(false);
	const path = of(customer, 'users', user.address);
	const attempt = (what, then) => async (event) => {
		event?.preventDefault();
		try {
			await what();
			then();
		} catch (bad) {
			set_problem(bad);
		}
	};
	const save = attempt(() => api.patch(path, { ...(role !== user.role && { role }), org_unit: unit.trim(),
		aliases: aliases.split(/[\s,、]+/).filter(Boolean) }), done);
	const error = (name) => error_of(problem?.errors, name);
	const loose = problem && !['role', 'org_unit', 'aliases'].some(error);
	return html`<${Dialog} title=${user.address} onClose=${close}><form class="form" onSubmit=${save}>
		${loose && html`<${Note} kind="refused" alert>${problem.detail}<//>`}
		${may('settings') && html`<${SelectField} label=${t('users.role')} value=${role} onValue=${set_role} error=${error('role')}
			options=${roles.map((r) => [r, t(`role.${r}`)])} />`}
		<${TextField} label=${t('users.unit')} hint=${t('users.unit_hint')} value=${unit} onValue=${set_unit} error=${error('org_unit')} />
		<${TextField} label=${t('users.aliases')} hint=${t('users.aliases_hint')} mono value=${aliases} onValue=${set_aliases} error=${error('aliases')} />
		<p class="actions"><button class="button primary">${t('act.save')}</button>
			<button type="button" class="button" onClick=${close}>${t('act.cancel')}</button>
			${!asking && html`<button type="button" class="button danger" onClick=${() => set_asking(true)}>${t('users.remove')}…</button>`}</p>
		${asking && html`<${Note} kind="refused" title=${t('users.remove_ask')} actions=${html`<button type="button" class="button danger"
			onClick=${attempt(() => api.remove(path), removed)}>${t('users.remove')}</button>`}>${t('users.remove_means')}<//>`}
	</form><//>`;
}
