/**
 * The environment document that Clerk's browser SDK reads when it starts: people sign in by e-mail address and
 * password, then by authenticator app or recovery code; there is no sign-up, and no sign-in by another service.
 */
export function environment(applicationName: string, homeUrl: string): object {
  return {
    object: 'environment',
    id: 'environment',
    auth_config: {
      object: 'auth_config',
      id: 'auth_config',
      single_session_mode: false,
      claimed_at: null,
      reverification: true,
    },
    display_config: {
      object: 'display_config',
      id: 'display_config',
      instance_environment_type: 'production',
      application_name: applicationName,
      preferred_sign_in_strategy: 'password',
      branded: false,
      home_url: homeUrl,
      ...NOT_CONFIGURED,
    },
    user_settings: {
      attributes: ATTRIBUTES,
      social: {},
      enterprise_sso: { enabled: false },
      sign_in: { second_factor: { required: false, enabled: true } },
      sign_up: {
        mode: 'restricted',
        progressive: false,
        captcha_enabled: false,
        legal_consent_enabled: false,
      },
      password_settings: { disable_hibp: true, min_length: 8, max_length: 72, show_zxcvbn: false },
      actions: { delete_self: false, create_organization: false },
    },
    organization_settings: {
      enabled: true,
      max_allowed_memberships: 0,
      force_organization_selection: false,
      actions: { admin_delete: false },
      domains: { enabled: false, enrollment_modes: [], default_role: null },
    },
    commerce_settings: {
      billing: { stripe_publishable_key: null, organization: NO_PLANS, user: NO_PLANS },
    },
    api_keys_settings: { enabled: false, user_api_keys_enabled: false, orgs_api_keys_enabled: false },
    protect_config: { object: 'protect_config', id: 'protect_config' },
    maintenance_mode: false,
  };
}

const NO_PLANS = { enabled: false, has_paid_plans: false };

/** What the SDK asks of its pages and pictures: the application has its own. */
const NOT_CONFIGURED = {
  theme: {},
  logo_image_url: '',
  favicon_image_url: '',
  sign_in_url: '',
  sign_up_url: '',
  user_profile_url: '',
  after_sign_in_url: '',
  after_sign_up_url: '',
  after_sign_out_one_url: '',
  after_sign_out_all_url: '',
  after_switch_session_url: '',
  organization_profile_url: '',
  create_organization_url: '',
  after_leave_organization_url: '',
  after_create_organization_url: '',
  captcha_public_key: null,
  captcha_widget_type: null,
  support_email: '',
};

const ATTRIBUTES = {
  email_address: attribute({ required: true, first: ['password'] }),
  phone_number: attribute({}),
  password: attribute({ required: true }),
  authenticator_app: attribute({ second: ['totp'] }),
  backup_code: attribute({ second: ['backup_code'] }),
};

function attribute(uses: { required?: boolean; first?: string[]; second?: string[] }): object {
  const { required = false, first = [], second = [] } = uses;
  return {
    enabled: true,
    required,
    used_for_first_factor: first.length > 0,
    first_factors: first,
    used_for_second_factor: second.length > 0,
    second_factors: second,
    verifications: [],
    verify_at_sign_up: false,
  };
}
