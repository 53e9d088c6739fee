/** The examples of lendix.txt, with `user` and the like inside the session (CONTRACTS.md 4.1). Others' tokens are null. */

const NANTERRE = { lng: 2.2003, lat: 48.8914, name: 'Nanterre, France' };
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X';

const LISTED = {
  id: '5a67007d95a4d30015fb27d2',
  token: '0a109191800f3b28031b96bbbc41b451',
  secured: false,
  location: NANTERRE,
  userAgent: `${MAC} 10_13_2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.132`,
  lastAccessDate: '2018-04-04T09:29:33.209Z',
  creation: '2018-01-23T09:29:33.000Z',
};

const ADA = {
  id: '551e5181e4b040a27e5b6c8f',
  name: 'Ada Sample',
  picture: '58c83fdebff67e001386f218',
  isFinsquare: false,
  creation: '2015-04-03T08:38:25.000Z',
  email: 'ada@example.com',
  type: 'admin',
  phone: { countryCode: '33', number: '600000000' },
  rights: [
    'export_requests',
    'edit_user_rights',
    'edit_project',
    'validate_project',
    'edit_online_project',
    'publish_project',
    'edit_user_email',
    'create_project',
    'edit_user_phone',
    'edit_project_health',
  ],
  gender: 'male',
  taxResidency: 'fr',
  settings: { language: 'fr', agreements: [] },
  intercomHash: 'c32567a593a503d6cc5d4a347fe0658d08b31719fb06b3ef3113e5d9f2fffd0a',
};

/** `GET /sessions`. */
export const LIST_EXAMPLE = {
  sessions: [
    LISTED,
    {
      id: '5a8a963d9da75f00299bc0aa',
      token: null,
      secured: false,
      location: { lng: 2.2067, lat: 48.892, name: 'Nanterre, France' },
      userAgent: `${MAC} 10_13_3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.186`,
      lastAccessDate: '2018-03-05T09:33:18.017Z',
      creation: '2018-02-19T09:17:49.000Z',
    },
  ],
  remaining: 0,
};

/** `GET /sessions/:sessionId`. */
export const READ_EXAMPLE = {
  session: { ...LISTED, userAgent: `${LISTED.userAgent} Safari/601.6.1`, user: ADA },
};

/** `POST /sessions`. */
export const SIGN_IN_EXAMPLE = {
  session: {
    id: '5ac50205251554001ac4be9f',
    token: '00b6e19e254dea67a68a1888ad9a6f33',
    secured: false,
    location: NANTERRE,
    userAgent: `${MAC} 10_13_3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/65.0.3325.181 Safari/537.36`,
    lastAccessDate: '2018-04-04T16:49:09.801Z',
    creation: '2018-04-04T16:49:09.000Z',
    user: {
      id: '587fb0c4ec9d800010838e52',
      name: 'Test Sample',
      isFinsquare: false,
      creation: '2017-01-18T18:15:32.000Z',
      email: 'test@example.com',
      type: 'admin',
      phone: { countryCode: '33', number: '600000000' },
      credit: 0,
      status: 'activated',
      rights: [
        'create_user',
        'edit_user_rights',
        'create_project',
        'edit_project',
        'publish_project',
        'validate_project',
        'borrower_partner',
      ],
      gender: 'male',
      slug: 'jtest1',
      tax: 0,
      taxResidency: 'fr',
      settings: { language: 'fr', agreements: ['lendix-fr'] },
      intercomHash: '4e36827797f624b1e70ec1f4aa0c4ea09be0f36ea7b0bfff89611dbcd57e32cd',
    },
  },
};

/** `POST /sessions/:sessionId`, once the code was right. */
export const SECURED_EXAMPLE = {
  session: {
    id: '5a958a9b342f860019515778',
    token: 'edac5382f5c4fe95ab5c054e1a1d5791',
    secured: true,
    location: null,
    userAgent: `${MAC} 10_13_3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.186 Safa`,
    lastAccessDate: '2018-04-04T17:56:50.017Z',
    creation: '2018-02-27T16:43:07.000Z',
    user: ADA,
  },
};
