import type { Config } from './config.js';
import type { Messenger } from './delivery/messenger.js';

/** What a start has come to. */
export interface Started {
  readonly config: Config;
  /** Where it listens, e.g. `http://localhost:3000`. */
  readonly url: string;
  readonly messenger: Messenger;
  /** Who was created, since there was nobody, with the password when it was generated. */
  readonly administrator: { readonly email: string; readonly password: string | null } | null;
}

/** Tells whoever started Latchkey where it is and how to sign in; a generated password is shown this once. */
export function greeting({ config, url, messenger, administrator }: Started): string {
  const email = administrator?.email ?? config.get('ADMIN_EMAIL') ?? 'EMAIL';
  const password = administrator?.password ?? 'PASSWORD';
  const processes = config.get('WEB_CONCURRENCY');
  return [
    ...(config.get('QA_MODE') ? [QA_WARNING] : []),
    `Latchkey listens on ${url}`,
    ...(processes > 1 ? [`Processes:      ${processes}`] : []),
    ...(config.get('DOCS') ? [`Documentation:  ${url}/docs`] : []),
    ...(administrator ? [`Administrator:  ${email}`] : []),
    ...(administrator?.password ? [`Password:       ${password}   (shown this once)`] : []),
    ...(config.get('QA_MODE')
      ? [`Codes, notices: ${url}/qa/outbox; nothing is sent`]
      : sendingLines(config, messenger)),
    'Sign in:',
    signInCommand(url, email, password),
  ].join('\n');
}

const QA_WARNING =
  'QA_MODE IS ON: WHOEVER REACHES THIS ADDRESS MOVES ITS CLOCK, READS ITS CODES AND MAKES ADMINISTRATORS';

/** Says where codes and notices go; a mail server for codes by mail needs no saying. */
function sendingLines(config: Config, messenger: Messenger): string[] {
  const settings = { sms: 'SMS_WEBHOOK_URL', email: 'SMTP_URL' } as const;
  const notices =
    config.get('SMTP_URL') === undefined ? ['Security notices are not sent: SMTP_URL is not set'] : [];
  const codes = (['sms', 'email'] as const).flatMap((channel) => {
    const way = messenger.wayOf(channel);
    const codes = `Codes by ${channel === 'sms' ? 'SMS' : 'mail'}`;
    if (way === 'console') return [`${codes} are printed here: ${settings[channel]} is not set`];
    return way === null ? [`${codes} cannot be sent: ${settings[channel]} is not set`] : [];
  });
  return [...notices, ...codes];
}

/** One line for a POSIX shell that works as it is pasted. */
function signInCommand(url: string, email: string, password: string): string {
  const document = { data: { type: 'sessions', attributes: { email, password } } };
  const type = 'Content-Type: application/vnd.api+json';
  return ['curl', '-sS', `${url}/api/v2/sessions`, '-H', type, '-d', JSON.stringify(document)]
    .map(quoted)
    .join(' ');
}

function quoted(word: string): string {
  return /^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
