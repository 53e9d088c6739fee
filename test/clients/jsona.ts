import { Jsona } from 'jsona';
import { pointedAt, type PointingError, type SessionClient } from './session-client.js';

interface Session {
  readonly id: string;
  readonly token: string;
  readonly name: string;
  readonly user: { readonly email: string };
}

interface Answered {
  readonly data: [];
  readonly meta: { readonly total_count: number };
}

/** https://github.com/olosegres/jsona: it writes and reads documents, and leaves the sending to `fetch`. */
export function jsona(url: string): SessionClient {
  const formatter = new Jsona();
  const headers: Record<string, string> = { 'Content-Type': 'application/vnd.api+json' };
  const call = async (method: string, path: string, stuff?: object) => {
    const body = stuff && JSON.stringify(formatter.serialize({ stuff: { type: 'sessions', ...stuff } }));
    const answer = await fetch(`${url}/api/v2/sessions${path}`, { method, headers, body });
    const document = answer.status === 204 ? null : ((await answer.json()) as Answered);
    if (!answer.ok) throw Object.assign(new Error('refused'), document);
    return document;
  };
  const read = <T>(document: Answered | null) => formatter.deserialize(document!) as T;
  return {
    create: async (attributes) => read<Session>(await call('POST', '', attributes)),
    use: (token) => void (headers['X-Auth-Token'] = token),
    page: async (number, size) => {
      const query = `?include=user&sort=-id&page[number]=${number}&page[size]=${size}`;
      const document = await call('GET', query);
      const sessions = read<Session[]>(document);
      return {
        ids: sessions.map(({ id }) => id),
        emails: sessions.map(({ user }) => user.email),
        total: document!.meta.total_count,
      };
    },
    rename: async (id, name) => read<Session>(await call('PATCH', `/${id}`, { id, name })).name,
    destroy: async (id) => void (await call('DELETE', `/${id}`)),
    fieldsOf: (refusal) => pointedAt((refusal as { errors: PointingError[] }).errors),
  };
}
