import { afterEach, describe, expect, it } from '@jest/globals';
import { Notices } from '../../src/delivery/mailer.js';
import { smtpTransport } from '../../src/delivery/smtp.js';
import { startMailServer, type MailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function mailServer(refuse = 0): Promise<MailServer> {
  const server = await startMailServer(refuse);
  undo.push(server.stop);
  return server;
}

function noticesTo(url: string | undefined, pausesSeconds = [0.01, 0.01, 0.01]) {
  const warnings: object[] = [];
  const log = { warn: (fields: object, message: string) => void warnings.push({ ...fields, message }) };
  const transport = url === undefined ? null : smtpTransport(url);
  const notices = new Notices(transport, 'Latchkey <latchkey@example.com>', log, pausesSeconds);
  undo.push(() => notices.onModuleDestroy());
  return { notices, warnings };
}

const notice = {
  to: 'ada@example.com',
  subject: 'Your password was changed',
  text: 'Your password was changed.',
};

describe('a notice', () => {
  it('reaches the mail server as it was written, with what to do about it', async () => {
    const server = await mailServer();
    noticesTo(server.url).notices.send(notice);
    await until(() => server.received.length === 1);
    expect(server.received[0]).toMatchObject({ recipients: ['ada@example.com'] });
    expect(server.received[0]?.headers).toContain('From: Latchkey <latchkey@example.com>');
    expect(server.received[0]?.headers).toContain('Subject: Your password was changed');
    expect(server.received[0]?.body).toContain('Your password was changed. If that was not you, tell');
  });

  it('is tried again when the mail server says later', async () => {
    const server = await mailServer(3);
    noticesTo(server.url).notices.send(notice);
    await until(() => server.received.length === 1);
    expect(server.tries()).toBe(4);
  });

  it('is given up after three more tries, and the next one is sent all the same', async () => {
    const server = await mailServer(4);
    const { notices, warnings } = noticesTo(server.url);
    notices.send(notice);
    notices.send({ ...notice, to: 'bob@example.com' });
    await until(() => server.received.length === 1);
    expect(server.received[0]?.recipients).toEqual(['bob@example.com']);
    expect(warnings).toHaveLength(4);
    expect(JSON.stringify(warnings)).not.toMatch(/ada|password/);
  });

  it('adds no header and no recipient, whatever is in it (SECURITY 14)', async () => {
    const server = await mailServer();
    const { notices } = noticesTo(server.url);
    notices.send({ ...notice, subject: 'Hello\r\nBcc: eve@example.com\r\n\r\nbody' });
    notices.send({ ...notice, text: 'one\r\n.\r\nMAIL FROM:<eve@example.com>\r\n' });
    await until(() => server.received.length === 2);
    for (const mail of server.received) {
      expect(mail.recipients).toEqual(['ada@example.com']);
      expect(mail.headers).not.toMatch(/^bcc:/im);
    }
  });

  it.each([
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com, eve@example.com',
    'ada@example.com>,<eve@example.com',
  ])('goes to nobody else than its one address: %j', async (to) => {
    const server = await mailServer();
    const { notices } = noticesTo(server.url);
    notices.send({ ...notice, to });
    notices.send({ ...notice, to: 'last@example.com' });
    await until(() => server.received.some(({ recipients }) => recipients.includes('last@example.com')));
    expect(server.received.flatMap(({ recipients }) => recipients)).not.toContain('eve@example.com');
    for (const { headers } of server.received) expect(headers).not.toMatch(/^bcc:/im);
  });

  it('costs its sender nothing when there is no mail server, or none to be reached (SECURITY 165)', async () => {
    noticesTo(undefined).notices.send(notice);
    const { notices, warnings } = noticesTo('smtp://127.0.0.1:1');
    notices.send(notice);
    await until(() => warnings.length === 4);
  });

  it('is dropped, and the log says so, when a thousand wait already', () => {
    const { notices, warnings } = noticesTo('smtp://127.0.0.1:1', [60]);
    for (let i = 0; i < 1_001; i++) notices.send(notice);
    expect(warnings).toEqual([{ message: 'notice dropped: too many wait' }]);
  });

  it('that still waits when the process ends is sent', async () => {
    const server = await mailServer(1);
    const { notices } = noticesTo(server.url, [60]);
    notices.send(notice);
    await until(() => server.tries() === 1);
    await notices.onModuleDestroy();
    expect(server.received).toHaveLength(1);
  });
});
