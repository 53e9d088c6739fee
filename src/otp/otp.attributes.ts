import { Attribute, requiredSecret } from '../json-api/rules.js';

/** What begins an enrollment. */
export class OtpEnrollmentStart {
  @Attribute(requiredSecret) password: string;
}

/** What confirms an enrollment. */
export class OtpConfirmation {
  @Attribute(requiredSecret) otp: string;
}

/** Both factors, for changing or removing the second one. */
export class BothFactors {
  @Attribute(requiredSecret) password: string;
  @Attribute(requiredSecret) otp: string;
}
