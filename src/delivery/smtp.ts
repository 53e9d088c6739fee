import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';

/** A way to a mail server; each mail takes a connection of its own, and none waits longer than half a minute. */
export function smtpTransport(smtpUrl: string): Transporter {
  return createTransport({
    url: smtpUrl,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** The address goes in as an object and every header as one line, so that neither can add a recipient or a header. */
export function plainMail(
  from: string,
  { to, subject, text }: { to: string; subject: string; text: string },
): SendMailOptions {
  return { from, to: { name: '', address: oneLine(to) }, subject: oneLine(subject), text };
}

/** The text on one line, without control characters. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
