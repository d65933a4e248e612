import { join } from 'node:path'
import t from 'tap'
import { credentialSources } from '../../agent/store/s3/credential-sources.ts'

const route = { region: 'eu-west-9' }
const told = (env: NodeJS.ProcessEnv) =>
  credentialSources(env, route).map(({ name, patience, named }) => `${name}: ${patience}${named ? '' : ', by chance'}`)

const PROFILE = 'the profile default: 30000'
const INSTANCE = 'the instance metadata service: 5000, by chance'

t.test('where credentials may come from, and how long each is waited for', async (t) => {
  t.strictSame(told({}), [PROFILE, INSTANCE])
  const keys = { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' }
  t.strictSame(told(keys), ['the environment: 5000', PROFILE, INSTANCE])
  for (const half of Object.entries(keys)) t.strictSame(told(Object.fromEntries([half])), [PROFILE, INSTANCE])
  t.strictSame(told({ ...keys, AWS_PROFILE: 'mine' }), ['the profile mine: 30000', INSTANCE])
  const role = { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn:role' }
  t.strictSame(told(role), [PROFILE, 'the role arn:role, for the token in /token,: 30000', INSTANCE])
  for (const half of Object.entries(role)) t.strictSame(told(Object.fromEntries([half])), [PROFILE, INSTANCE])
})

t.test('a container has its own service, and no other', async (t) => {
  const relative = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/keys' }
  const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/full' }
  const service = (uri: string) => [PROFILE, `the container's credentials service (${uri}): 5000`]
  t.strictSame(told(relative), service('/keys'))
  t.strictSame(told(full), service('http://127.0.0.1/full'))
  t.strictSame(told({ ...full, ...relative }), service('/keys'))
})

t.test('an instance has one unless somebody says no, and is waited for where somebody has named it', async (t) => {
  t.strictSame(told({ AWS_EC2_METADATA_DISABLED: 'true' }), [PROFILE])
  t.strictSame(told({ AWS_EC2_METADATA_DISABLED: 'false' }), [PROFILE, INSTANCE])
  const AWS_EC2_METADATA_SERVICE_ENDPOINT = 'http://127.0.0.1:9'
  t.strictSame(told({ AWS_EC2_METADATA_SERVICE_ENDPOINT }), [
    PROFILE,
    'the instance metadata service (http://127.0.0.1:9): 5000',
  ])
})

t.test('without any file of profiles there is nothing of a profile here', async (t) => {
  const profile = (env: NodeJS.ProcessEnv) => credentialSources(env, route)[0]?.ask()
  const HOME = t.testdir({ '.aws': {}, file: '' })
  t.equal(await profile({ HOME }), undefined)
  t.equal(await profile({ HOME: join(HOME, 'file') }), undefined, 'what is no directory has none')
  const nowhere = { AWS_SHARED_CREDENTIALS_FILE: '/nonexistent', AWS_CONFIG_FILE: '/nonexistent' }
  t.equal(await profile({ HOME, ...nowhere }), undefined)
})
