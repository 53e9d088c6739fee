import { JSONAPISerializers, JSONAPISource, JSONAPIURLBuilder, type ResourceDocument } from '@orbit/jsonapi';
import {
  RecordKeyMap,
  RecordSchema,
  type InitializedRecord,
  type OffsetLimitPageSpecifier,
  type PageSpecifier,
} from '@orbit/records';
import { buildSerializerSettingsFor } from '@orbit/serializers';
import { pointedAt, type PointingError, type SessionClient } from './session-client.js';

/** https://orbitjs.com; ids are its own, the server's are kept in a key map. */
export function orbit(url: string): SessionClient {
  const keyMap = new RecordKeyMap();
  const source = new JSONAPISource({
    schema: sessionSchema(),
    keyMap,
    host: url,
    namespace: 'api/v2',
    URLBuilderClass: NumberedPages,
    serializerSettingsFor: buildSerializerSettingsFor({
      settingsByType: {
        [JSONAPISerializers.ResourceType]: { serializationOptions: { inflectors: ['pluralize'] } },
      },
    }),
  });
  // Its queue stands still after a failure until it is told to go on.
  source.requestQueue.on('fail', () => void source.requestQueue.skip());
  const remoteId = ({ type, id }: InitializedRecord) => keyMap.idToKey(type, 'remoteId', id) ?? '';
  const identity = (id: string) => ({ type: 'session', id: keyMap.keyToId('session', 'remoteId', id) ?? '' });
  return {
    create: async (attributes) => {
      const created = await source.update<InitializedRecord>((build) =>
        build.addRecord({ type: 'session', attributes }),
      );
      return { id: remoteId(created), token: String(created.attributes?.token) };
    },
    use: (token) => {
      const { defaultFetchSettings } = source.requestProcessor;
      Object.assign(defaultFetchSettings.headers!, { 'X-Auth-Token': token });
    },
    page: async (number, size) => {
      const { data, details } = await source.query<InitializedRecord[]>(
        (build) =>
          build
            .findRecords('session')
            .sort('-id')
            .page({ offset: (number - 1) * size, limit: size }),
        { fullResponse: true, include: ['user'] },
      );
      const { included = [], meta } = details![0]!.document as ResourceDocument;
      const emails = new Map(included.map((user) => [user.id, user.attributes?.email]));
      return {
        ids: data!.map(remoteId),
        emails: data!.map(({ relationships }) => {
          const user = relationships?.user?.data as InitializedRecord;
          return String(emails.get(remoteId(user)));
        }),
        total: meta?.total_count as number,
      };
    },
    rename: async (id, name) => {
      const record = { ...identity(id), attributes: { name } };
      const updated = await source.update<InitializedRecord>((build) => build.updateRecord(record));
      return String(updated.attributes?.name);
    },
    destroy: async (id) => void (await source.update((build) => build.removeRecord(identity(id)))),
    fieldsOf: (refusal) => pointedAt((refusal as { data: { errors: PointingError[] } }).data.errors),
  };
}

/** Orbit speaks of offsets; what its apps write for an API with numbers. */
class NumberedPages extends JSONAPIURLBuilder {
  override buildPageParam(specifier: PageSpecifier) {
    const { offset = 0, limit = 30 } = specifier as OffsetLimitPageSpecifier;
    return { number: offset / limit + 1, size: limit };
  }
}

function sessionSchema(): RecordSchema {
  const text = { type: 'string' } as const;
  return new RecordSchema({
    models: {
      session: {
        keys: { remoteId: {} },
        attributes: { email: text, password: text, name: text, token: text },
        relationships: { user: { kind: 'hasOne', type: 'user' } },
      },
      user: { keys: { remoteId: {} }, attributes: { email: text } },
    },
  });
}
