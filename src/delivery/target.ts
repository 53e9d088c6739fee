/** Where something is posted to, and with which credentials. */
export interface Target {
  readonly href: string;
  /** `Basic …`, of the user and the password in the URL; absent without any. */
  readonly authorization?: string;
}

/** A configured URL without its user and password, and those as a header: `fetch` takes no URL that has any. */
export function targetOf(url: string): Target {
  const target = new URL(url);
  const [user, password] = [decodeURIComponent(target.username), decodeURIComponent(target.password)];
  target.username = target.password = '';
  if (user === '' && password === '') return { href: target.href };
  return { href: target.href, authorization: basic(user, password) };
}

/** RFC 7617. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
