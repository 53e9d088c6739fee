// An Ember app's own lines about this API, and no more. Loaded with `--conditions=unpkg`: the libraries' own build.
import { register } from 'node:module';

register('./ember-loader.js', import.meta.url);

await import('@warp-drive/ember/install');
const { Registry } = await import('@ember/-internals/container');
const { setOwner } = await import('@ember/-internals/owner');
const { useLegacyStore } = await import('@warp-drive/legacy');
const { JSONAPIAdapter } = await import('@warp-drive/legacy/adapter/json-api');
const {
  default: Model,
  attr,
  belongsTo,
  restoreDeprecatedModelRequestBehaviors,
} = await import('@warp-drive/legacy/model');
const { JSONAPISerializer } = await import('@warp-drive/legacy/serializer/json-api');
const { BooleanTransform, DateTransform, NumberTransform, StringTransform } =
  await import('@warp-drive/legacy/serializer/transform');
const { JSONAPICache } = await import('@warp-drive/json-api');
const { underscore } = await import('@warp-drive/utilities/string');

restoreDeprecatedModelRequestBehaviors(Model);

const Session = Model.extend({
  email: attr('string'),
  password: attr('string'),
  name: attr('string'),
  note: attr('string'),
  userId: attr('number'),
  token: attr('string'),
  lastIp: attr('string'),
  location: attr('string'),
  device: attr('string'),
  platform: attr('string'),
  browser: attr('string'),
  machine: attr('boolean', { defaultValue: false }),
  readOnly: attr('boolean', { defaultValue: false }),
  lastActivityAt: attr('date'),
  tokenExpiresAt: attr('date'),
  twoFactorAuth: attr('boolean', { defaultValue: false }),
  singleSignOn: attr('boolean', { defaultValue: false }),
  agentFirstName: attr('string'),
  agentLastName: attr('string'),
  agentAvatar: attr('string'),
  user: belongsTo('user', { async: false, inverse: null }),
});

const User = Model.extend({
  email: attr('string'),
  firstName: attr('string'),
  lastName: attr('string'),
  avatarUrl: attr('string'),
  phoneNumber: attr('string'),
  locale: attr('string'),
  timeZone: attr('string'),
  status: attr('string', { defaultValue: 'active' }),
  rights: attr({ defaultValue: () => [] }),
  twoFactorAuth: attr('boolean', { defaultValue: false }),
  createdAt: attr('date'),
  updatedAt: attr('date'),
  password: attr('string'),
  currentPassword: attr('string'),
});

/**
 * ember-data over one server: its store, and what every request carries.
 * @param {string} host
 */
export function emberApp(host) {
  const headers = {};
  const registry = new Registry();
  const owner = {
    lookup: (name) => container.lookup(name),
    factoryFor: (name) => container.factoryFor(name),
    register: (name, factory) => registry.register(name, factory),
  };
  const container = registry.container({ owner });
  const Store = useLegacyStore({ cache: JSONAPICache, legacyRequests: true });
  registry.register('model:session', Session);
  registry.register('model:user', User);
  registry.register('adapter:application', JSONAPIAdapter.extend({ host, namespace: 'api/v2', headers }));
  registry.register(
    'serializer:application',
    JSONAPISerializer.extend({ keyForAttribute: underscore, keyForRelationship: underscore }),
  );
  registry.register('transform:boolean', BooleanTransform);
  registry.register('transform:date', DateTransform);
  registry.register('transform:number', NumberTransform);
  registry.register('transform:string', StringTransform);
  const properties = {};
  setOwner(properties, owner);
  const store = new Store(properties);
  registry.register('service:store', store, { instantiate: false });
  return { store, headers };
}
