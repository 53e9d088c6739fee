import Devour from 'devour-client';
import type { SessionClient } from './session-client.js';

/** https://github.com/twg/devour; it sends a top-level `meta: {}`, and queries with plain brackets. */
export function devour(url: string): SessionClient {
  const api = new Devour({ apiUrl: `${url}/api/v2`, logger: false });
  const user = { jsonApi: 'hasOne', type: 'users' };
  api.define('session', { email: '', password: '', name: '', token: '', user });
  api.define('user', { email: '' });
  return {
    create: async (attributes) => (await api.create('session', attributes)).data,
    use: (token) => void (api.headers['X-Auth-Token'] = token),
    page: async (number, size) => {
      const query = { include: 'user', sort: '-id', page: { number, size } };
      const { data, meta } = await api.findAll('session', query);
      return {
        ids: data.map(({ id }: { id: string }) => id),
        emails: data.map((session: { user: { email: string } }) => session.user.email),
        total: meta.total_count,
      };
    },
    rename: async (id, name) => (await api.update('session', { id, name })).data.name,
    destroy: (id) => api.destroy('session', id),
    fieldsOf: (refusal) =>
      Object.fromEntries(
        Object.entries(refusal as Record<string, { detail: string }>).map(([name, { detail }]) => [
          name,
          detail,
        ]),
      ),
  };
}
