import Kitsu from 'kitsu';
import { pointedAt, type PointingError, type SessionClient } from './session-client.js';

/** https://github.com/wopian/kitsu; it puts a body into DELETE, and a content type on everything. */
export function kitsu(url: string): SessionClient {
  const api = new Kitsu({ baseURL: `${url}/api/v2`, resourceCase: 'snake' });
  return {
    create: async (attributes) => (await api.post('session', attributes)).data,
    use: (token) => void (api.headers['X-Auth-Token'] = token),
    page: async (number, size) => {
      const params = { include: 'user', sort: '-id', page: { number, size } };
      const { data, meta } = await api.get('sessions', { params });
      return {
        ids: data.map(({ id }: { id: string }) => id),
        emails: data.map(({ user }: { user: { data: { email: string } } }) => user.data.email),
        total: meta.total_count,
      };
    },
    rename: async (id, name) => (await api.patch('session', { id, name })).data.name,
    destroy: (id) => api.delete('session', id),
    fieldsOf: (refusal) => pointedAt((refusal as { errors: PointingError[] }).errors),
  };
}
