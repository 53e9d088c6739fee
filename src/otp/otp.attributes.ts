import { Attribute, optionalText, requiredSecret } from '../json-api/rules.js';

/** What begins an enrollment. */
export class OtpEnrollmentStart {
  @Attribute(requiredSecret) password: string;
}

/** What confirms an enrollment. */
export class OtpConfirmation {
  @Attribute(requiredSecret) otp: string;
}

/** Both factors, for new recovery codes. */
export class BothFactors {
  @Attribute(requiredSecret) password: string;
  @Attribute(requiredSecret) otp: string;
}

/** Both factors, for removing the second one; an enrollment that was never confirmed has no code to ask for. */
export class FactorRemoval {
  @Attribute(requiredSecret) password: string;
  @Attribute(optionalText(100)) otp?: string | null;
}
