import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../../src/caller.js';
import { toId } from '../../src/faces/clerk/ids.js';
import { JwtTemplatesService } from '../../src/keys/jwt-templates.service.js';
import { ClerkBrowser, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { addPhone, startMailboxes, textedCode, type Mailboxes } from '../support/step-up.js';

const WRAPPED = ['response', 'client'];
const TOKEN = ['jwt'];

/** Every route of clerk.txt with its request sample, and the members of its response sample, in their order. */
const SAMPLES: readonly [route: string, form: string, members: readonly string[]][] = [
  ['GET /{session}', '', WRAPPED],
  ['POST /{session}/touch', 'active_organization_id=', WRAPPED],
  ['POST /{session}/tokens', 'organization_id=', TOKEN],
  ['POST /{session}/verify', 'level=first_factor', WRAPPED],
  ['POST /{session}/verify/prepare_first_factor', 'strategy=email_code&email_address_id={address}', WRAPPED],
  ['POST /{session}/verify/attempt_first_factor', 'strategy=password&password={password}', WRAPPED],
  ['POST /{session}/tokens/api', '', TOKEN],
  ['POST /{session}/verify', 'level=second_factor', WRAPPED],
  ['POST /{session}/verify/prepare_second_factor', 'strategy=phone_code&phone_number_id={number}', WRAPPED],
  ['POST /{session}/verify/attempt_second_factor', 'strategy=phone_code&code={code}', WRAPPED],
  ['POST /{session}/end', '', WRAPPED],
  ['POST /{other}/remove', '', WRAPPED],
  ['DELETE ', '', WRAPPED],
];

/** The request samples of clerk.txt as they stand: `string` is nobody's organisation, address, code or password. */
const VERBATIM: readonly [route: string, form: string, status: number, code: string][] = [
  ['touch', 'active_organization_id=string', 404, 'organization_not_found_or_unauthorized'],
  ['tokens', 'organization_id=string', 404, 'organization_not_found_or_unauthorized'],
  [
    'verify/prepare_first_factor',
    'strategy=email_code&email_address_id=string&phone_number_id=string',
    422,
    'form_param_value_invalid',
  ],
  [
    'verify/attempt_first_factor',
    'strategy=email_code&code=string&password=string',
    400,
    'verification_not_sent',
  ],
  [
    'verify/prepare_second_factor',
    'strategy=phone_code&phone_number_id=string',
    422,
    'form_param_value_invalid',
  ],
  [
    'verify/attempt_second_factor',
    'strategy=phone_code&code=string',
    400,
    'invalid_action_for_session_reverification',
  ],
];

describe('the samples of clerk.txt', () => {
  let latchkey: Latchkey;
  let mailboxes: Mailboxes;
  let browser: ClerkBrowser;
  let person: SignedInPerson;
  let number: string;
  let session: string;
  let other: string;

  beforeAll(async () => {
    mailboxes = await startMailboxes();
    latchkey = await Latchkey.start({ ...SETTINGS, ...mailboxes.settings });
    const draft = { name: 'api', claims: {}, lifetimeSeconds: 60 };
    await latchkey.app.get(JwtTemplatesService, { strict: false }).put(OPERATOR, draft);
    browser = new ClerkBrowser(latchkey);
    person = await latchkey.asUser();
    number = await addPhone(latchkey, person);
    session = await browser.signIn(person);
    other = await browser.signIn(await latchkey.addUser());
  });
  afterAll(async () => {
    await latchkey.stop();
    await mailboxes.stop();
  });

  const send = (method: string, path: string, form: string) => {
    const url = `/client/sessions${path}`;
    if (method !== 'POST') return browser.call(method.toLowerCase() as 'get' | 'delete', url);
    return browser.call('post', url).type('form').send(form);
  };

  describe.each(VERBATIM)('POST %s', (route, form, status, code) => {
    it(`with ${form} is refused with ${status}, in the form that its SDK reads`, async () => {
      await send('POST', `/${session}/verify`, 'level=first_factor').expect(200);
      const { body } = await send('POST', `/${session}/${route}`, form).expect(status);
      expect(Object.keys(body as object)).toEqual(['errors', 'clerk_trace_id']);
      expect(body.errors).toEqual([
        expect.objectContaining({ message: expect.any(String), long_message: expect.any(String), code }),
      ]);
    });
  });

  describe.each(SAMPLES)('%s', (route, form, members) => {
    it(`answers ${members.join(' and ')}, in this order`, async () => {
      const [method = '', path = ''] = route.split(' ');
      const fill = (text: string) =>
        text
          .replace('{session}', session)
          .replace('{other}', other)
          .replace('{address}', toId('emailAddress', person.id))
          .replace('{number}', toId('phoneNumber', person.id))
          .replace('{code}', () => textedCode(mailboxes, number))
          .replace('{password}', encodeURIComponent(person.password));
      const response = await send(method, fill(path), fill(form)).expect(200);
      expect(response.headers['content-type']).toBe('application/json');
      expect(Object.keys(response.body as object)).toEqual(members);
    });
  });
});
