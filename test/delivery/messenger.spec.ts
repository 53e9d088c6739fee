import { afterEach, describe, expect, it } from '@jest/globals';
import { Config } from '../../src/config.js';
import { Messenger, waysOf, type Message, type Ways } from '../../src/delivery/messenger.js';
import { twilio } from '../../src/delivery/sms.js';
import { Refusal } from '../../src/refusal.js';
import { startMailServer, startSilentMailServer } from '../support/mail-server.js';
import { startSmsServer, type SmsServer } from '../support/sms-server.js';
import { until } from '../support/until.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const sms: Message = {
  channel: 'sms',
  to: '+33600000000',
  subject: 'Your code',
  text: '123456 is your code',
};
const mail: Message = { ...sms, channel: 'email', to: 'ada@example.com' };
const QUICK = { pausesSeconds: [0.01, 0.01, 0.01], waitSeconds: 2 };

function messengerOf(environment: Record<string, string>, timing = QUICK) {
  const printed: string[] = [];
  return {
    ...messengerOver(
      waysOf(new Config(environment), (line) => printed.push(line)),
      timing,
    ),
    printed,
  };
}

function messengerOver(ways: Ways, timing = QUICK) {
  const warnings: object[] = [];
  const log = { warn: (fields: object, message: string) => void warnings.push({ ...fields, message }) };
  const messenger = new Messenger(ways, log, timing);
  undo.push(() => messenger.onModuleDestroy());
  return { messenger, warnings };
}

async function smsServer(answers: number[] = []): Promise<SmsServer> {
  const server = await startSmsServer(answers);
  undo.push(server.stop);
  return server;
}

function reasonOf(sending: Promise<void>): Promise<string> {
  return sending.then(
    () => 'none',
    (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
  );
}

describe('a code by mail', () => {
  it('is with the mail server when sending it returns', async () => {
    const server = await startMailServer();
    undo.push(server.stop);
    await messengerOf({ SMTP_URL: server.url, MAIL_FROM: 'Latchkey <us@example.com>' }).messenger.send(mail);
    expect(server.received).toEqual([
      {
        recipients: ['ada@example.com'],
        headers: expect.stringMatching(/^From: Latchkey <us@example\.com>$[^]*^Subject: Your code$/m),
        body: '123456 is your code\r\n',
      },
    ]);
  });

  it('SECURITY 14: adds no header and goes to nobody else, whatever is in it', async () => {
    const server = await startMailServer();
    undo.push(server.stop);
    const { messenger } = messengerOf({ SMTP_URL: server.url });
    await messenger.send({ ...mail, subject: 'Code\r\nBcc: eve@example.com' });
    await messenger.send({ ...mail, to: 'ada@example.com, eve@example.com' });
    for (const { recipients, headers } of server.received) {
      expect(recipients).not.toContain('eve@example.com');
      expect(headers).not.toMatch(/^bcc:/im);
    }
  });

  it('SECURITY 165: holds nobody up when the mail server says nothing', async () => {
    const server = await startSilentMailServer();
    undo.push(server.stop);
    const { messenger } = messengerOf({ SMTP_URL: server.url }, { pausesSeconds: [], waitSeconds: 0.05 });
    await messenger.send(mail);
    await until(() => server.tries() === 1);
    await server.stop();
  });
});

describe('a code by SMS', () => {
  it('is posted to the webhook as JSON of exactly `to` and `text`', async () => {
    const server = await smsServer();
    await messengerOf({ SMS_WEBHOOK_URL: `${server.url}/send?key=k` }).messenger.send(sms);
    expect(server.tries).toHaveLength(1);
    const { path, headers, body } = server.tries[0]!;
    expect([path, headers['content-type'], headers.authorization]).toEqual([
      '/send?key=k',
      'application/json',
      undefined,
    ]);
    expect(JSON.parse(body)).toEqual({ to: '+33600000000', text: '123456 is your code' });
  });

  it('takes the user and password of the webhook’s URL along as Basic credentials', async () => {
    const server = await smsServer();
    const url = server.url.replace('//', '//lock:k%40y@');
    await messengerOf({ SMS_WEBHOOK_URL: url }).messenger.send(sms);
    expect(server.tries[0]?.headers.authorization).toBe(`Basic ${btoa('lock:k@y')}`);
  });

  it.each([
    ['a number', '+15005550006', 'From=%2B15005550006'],
    ['a messaging service', 'MG0123', 'MessagingServiceSid=MG0123'],
  ])('is posted to Twilio as its API has it, from %s', async (_, from, sender) => {
    const server = await smsServer([201]);
    const way = {
      name: 'twilio' as const,
      prepare: twilio({ sid: 'AC1', token: 'secret', from }, server.url),
    };
    await messengerOver({ sms: way, email: null }).messenger.send(sms);
    expect(server.tries[0]).toMatchObject({
      path: '/2010-04-01/Accounts/AC1/Messages.json',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${btoa('AC1:secret')}`,
      },
      body: `To=%2B33600000000&${sender}&Body=123456+is+your+code`,
    });
  });

  it('is tried again, as the same message, when the other side breaks or is busy', async () => {
    const server = await smsServer([500, 429, 408]);
    const { messenger, warnings } = messengerOf({ SMS_WEBHOOK_URL: server.url });
    await messenger.send(sms);
    expect(server.received()).toEqual([{ to: sms.to, text: sms.text }]);
    expect(new Set(server.tries.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(warnings).toHaveLength(3);
    expect(JSON.stringify(warnings)).not.toMatch(/336|123456/);
    await messenger.send(sms);
    expect(new Set(server.tries.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });

  it('is not tried again once the other side said that it never takes it, and follows nobody elsewhere', async () => {
    const server = await smsServer([400, 302]);
    const { messenger, warnings } = messengerOf({ SMS_WEBHOOK_URL: `${server.url}/here` });
    await messenger.send(sms);
    await messenger.send(sms);
    expect(server.tries.map(({ path }) => path)).toEqual(['/here', '/here']);
    expect(warnings).toEqual([
      { code: undefined, responseCode: 400, message: 'code by sms not sent' },
      { code: undefined, responseCode: 302, message: 'code by sms not sent' },
    ]);
  });

  it('SECURITY 165: holds nobody up when the other side says nothing, and is not lost', async () => {
    const server = await smsServer([500, 500]);
    const timing = { pausesSeconds: [0.3, 0.01], waitSeconds: 0.01 };
    const { messenger } = messengerOf({ SMS_WEBHOOK_URL: server.url }, timing);
    await messenger.send(sms);
    expect(server.received()).toEqual([]);
    await until(() => server.received().length === 1);
  });

  it('that is still under way when the process ends is sent', async () => {
    const server = await smsServer([503]);
    const timing = { pausesSeconds: [60], waitSeconds: 0.01 };
    const { messenger } = messengerOf({ SMS_WEBHOOK_URL: server.url }, timing);
    await messenger.send(sms);
    await until(() => server.tries.length === 1);
    await messenger.onModuleDestroy();
    expect(server.received()).toHaveLength(1);
  });

  it('is refused when a thousand are under way already', async () => {
    const { messenger } = messengerOf(
      { SMS_WEBHOOK_URL: 'http://127.0.0.1:1' },
      { pausesSeconds: [60], waitSeconds: 0 },
    );
    const reasons = await Promise.all(Array.from({ length: 1_001 }, () => reasonOf(messenger.send(sms))));
    expect(reasons.filter((reason) => reason === 'channel_unavailable')).toHaveLength(1);
    expect(reasons.filter((reason) => reason === 'none')).toHaveLength(1_000);
  });
});

describe('a channel without a server', () => {
  it('prints its codes on the console in development, on one line each', async () => {
    const { messenger, printed } = messengerOf({});
    await messenger.send(sms);
    await messenger.send({ ...mail, text: 'one\r\ntwo\u001b[2J' });
    expect(printed).toEqual([
      'SMS to +33600000000: 123456 is your code',
      'Mail to ada@example.com: one two [2J',
    ]);
    expect([messenger.wayOf('sms'), messenger.wayOf('email')]).toEqual(['console', 'console']);
  });

  it('refuses in production', async () => {
    const { messenger, printed } = messengerOf({ NODE_ENV: 'production' });
    expect(await reasonOf(messenger.send(sms))).toBe('channel_unavailable');
    expect(await reasonOf(messenger.send(mail))).toBe('channel_unavailable');
    expect([messenger.carries('sms'), messenger.carries('email'), printed]).toEqual([false, false, []]);
  });
});

describe('the channels', () => {
  it.each([
    [{ SMS_WEBHOOK_URL: 'https://sms.example.com' }, 'webhook', 'console'],
    [{ TWILIO_ACCOUNT_SID: 'AC1', TWILIO_AUTH_TOKEN: 't', TWILIO_FROM: '+1' }, 'twilio', 'console'],
    [{ SMTP_URL: 'smtp://127.0.0.1:1', CONSOLE_CODES: 'false' }, null, 'smtp'],
  ])('go where the configuration says: %j', (environment, bySms, byMail) => {
    const { messenger } = messengerOf(environment);
    expect([messenger.wayOf('sms'), messenger.wayOf('email')]).toEqual([bySms, byMail]);
  });
});
