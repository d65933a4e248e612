import { arch, hostname, release } from 'node:os'
import t from 'tap'
import { describeHost } from '../../../agent/daemon/standing/host.ts'

const never = new AbortController().signal
const MACHINE = '4444444444444444444444444444cafe'
const host = { kernel: release(), arch: arch() }

t.test('what a host says of itself', async (t) => {
  const root = t.testdir({
    etc: { 'machine-id': `${MACHINE}\n`, 'os-release': 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n' },
    proc: { sys: { kernel: { hostname: 'web-1\n', random: { boot_id: '9c8b-7a\n' } } } },
  })
  t.strictSame(await describeHost(root, never), {
    ...{ name: 'web-1', machineId: MACHINE, bootId: '9c8b7a', os: 'Debian GNU/Linux 13 (trixie)' },
    ...host,
  })
})

t.test('what it does not say is left out, and what nobody can read in time', async (t) => {
  t.strictSame(await describeHost(t.testdir({}), never), { name: hostname(), ...host })
  const root = t.testdir({ etc: { 'machine-id': MACHINE } })
  t.strictSame(await describeHost(root, AbortSignal.abort()), { name: hostname(), ...host })
})

t.test('of which image it was made, and what its cloud calls it', async (t) => {
  const told = async (data: unknown, release = '') => {
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const run = { 'cloud-init': { 'instance-data.json': text } }
    const { image, zone, instanceType, group } = await describeHost(
      t.testdir({ run, etc: { 'os-release': release } }),
      never,
    )
    return { image, zone, instanceType, group }
  }
  const none = { image: undefined, zone: undefined, instanceType: undefined, group: undefined }
  t.strictSame(
    await told(
      {
        v1: { availability_zone: 'us-east-2b' },
        ds: { meta_data: { 'instance-type': 't3.small', tags: { instance: { 'aws:autoscaling:groupName': 'web' } } } },
      },
      'IMAGE_ID=\'shop\'\nIMAGE_VERSION="42"\n',
    ),
    { image: 'shop_42', zone: 'us-east-2b', instanceType: 't3.small', group: 'web' },
    'EC2',
  )
  const azure = { compute: { vmSize: 'Standard_B1s', vmScaleSetName: '' } }
  t.strictSame(
    await told({ v1: { 'availability-zone': '1' }, ds: { meta_data: { imds: azure } } }, 'IMAGE_ID=shop\n'),
    {
      ...{ image: 'shop', zone: '1', instanceType: 'Standard_B1s', group: undefined },
    },
  )
  const openstack = { ec2_metadata: { 'instance-type': 'm1.small', placement: { 'availability-zone': 'None' } } }
  t.strictSame(await told({ v1: { availability_zone: 'None' }, ds: openstack }), { ...none, instanceType: 'm1.small' })
  for (const odd of ['', '{', '[]', 'null', { v1: 7 }, { v1: { availability_zone: ['a'] } }, { v1: null }, { ds: 'x' }])
    t.strictSame(await told(odd), none, JSON.stringify(odd))
  t.strictSame(await told({ v1: { availability_zone: 'a\u001b[31m' } }), none, 'what drives a terminal is no zone')
  t.strictSame(await told(`{"v1": {"availability_zone": "a"}, "x": "${'x'.repeat(2 ** 20)}"}`), none, 'a bound')
})
