import { afterAll, afterEach, expect, it } from '@jest/globals';
import request from 'supertest';
import { document } from '../support/door.js';
import { Deployment, describeServed } from './deployment.js';

const deployment = new Deployment();
afterAll(() => deployment.cleanUp());

describeServed('qa', 'codes that are sent', () => {
  it('prove the session that asked for them, once', async () => {
    const person = await deployment.asUser();
    const of = (attributes: object) => document('verifications', attributes);
    const wanted = of({ level: 'first_factor', strategy: 'email_code' });
    const path = `/api/v2/sessions/${person.sessionId}/verifications`;
    const { id } = (await deployment.post(path, person.token, wanted).expect(201)).body.data;
    const proof = of({ strategy: 'email_code', code: await deployment.sentCode(person) });
    const attempts = `/api/v2/verifications/${id}/attempts`;
    expect(
      (await deployment.post(attempts, person.token, proof).expect(200)).body.data.attributes.status,
    ).toBe('complete');
    await deployment.post(attempts, person.token, proof).expect(409);
  });
});

describeServed('qa', 'time', () => {
  const DAY_SECONDS = 86_400;
  const move = (seconds: number) =>
    request(deployment.url).patch('/qa/clock').send({ move_seconds: seconds }).expect(200);
  let moved = 0;

  async function pass(seconds: number): Promise<void> {
    await move(seconds);
    moved += seconds;
  }

  // Back to where it was, so that what else is tested here is not of another time.
  afterEach(async () => {
    await move(-moved);
    moved = 0;
  });

  it('that passes over a session that is not used ends it', async () => {
    const { token } = await deployment.asUser();
    await pass(366 * DAY_SECONDS); // longer than SESSION_DAYS may be
    expect(await deployment.statusOf(token)).toBe(401);
  });

  it('that passes without a code of the second factor ends the sign-in', async () => {
    const person = await deployment.asUser();
    const { secret } = await deployment.enableTwoFactor(person);
    const { sessionId } = await deployment.signIn(person);
    await pass(3_601); // longer than OTP_WINDOW_SECONDS may be
    const proof = document('sessions', { otp: await deployment.code(secret), password: person.password });
    const { body } = await deployment
      .put(`/api/v2/sessions/${sessionId}/validate_otp`, null, proof)
      .expect(403);
    expect(body.errors[0].code).toBe('validation_time_expired');
  });
});
