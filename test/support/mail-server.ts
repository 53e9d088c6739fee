import { createServer, type AddressInfo, type Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail as it arrived. */
export interface Received {
  readonly recipients: string[];
  readonly headers: string;
  readonly body: string;
}

/** A mail server on the loopback. */
export interface MailServer {
  /** For SMTP_URL. */
  readonly url: string;
  readonly received: Received[];
  /** How often it was offered a mail. */
  readonly tries: () => number;
  readonly stop: () => Promise<void>;
}

/** Starts a mail server that refuses so many messages with 451 before it takes one. */
export async function startMailServer(refuse = 0): Promise<MailServer> {
  const received: Received[] = [];
  let tries = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      stream.on('end', () => {
        if (++tries <= refuse) return done(Object.assign(new Error('later'), { responseCode: 451 }));
        const [headers = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
        received.push({ recipients: session.envelope.rcptTo.map(({ address }) => address), headers, body });
        done();
      });
    },
  });
  server.on('error', () => undefined); // a client that hangs up
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const stop = () => new Promise<void>((resolve) => server.close(resolve));
  return { url: `smtp://127.0.0.1:${port}`, received, tries: () => tries, stop };
}

/** A mail server that takes connections and never says a word; each of them is a try. */
export async function startSilentMailServer(): Promise<Omit<MailServer, 'received'>> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `smtp://127.0.0.1:${port}`, tries: () => sockets.length, stop };
}
