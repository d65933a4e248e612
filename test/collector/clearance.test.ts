import t from 'tap'
import { type Clearance, clearance } from '../../agent/collector/clearance.ts'
import { defaultSettings, type Settings } from '../../agent/settings/schema.ts'

const KEYS = ['age1invented']
const BROKEN = '/etc/lastgasp/config.d/50.toml:1:1: not TOML: surprise'

/** What each class may do with such settings: `open`, `text` and `memory`. */
function cleared(seal: Partial<Settings['seal']>): Clearance['kind'][] {
  const settings = { ...defaultSettings().seal, ...seal }
  return (['open', 'text', 'memory'] as const).map((of) => clearance(of, settings).kind)
}

t.test('each class, each setting, all layers read or one of them broken', (t) => {
  t.strictSame(cleared({}), ['plain', 'plain', 'closed'])
  t.strictSame(cleared({ unsealed: 'allow' }), ['plain', 'plain', 'plain'])
  t.strictSame(cleared({ recipients: KEYS }), ['plain', 'sealed', 'sealed'])
  t.strictSame(cleared({ recipients: KEYS, unsealed: 'allow' }), ['plain', 'sealed', 'sealed'])
  t.strictSame(cleared({ broken: BROKEN }), ['plain', 'closed', 'closed'], 'it may have named recipients')
  t.strictSame(cleared({ broken: BROKEN, unsealed: 'allow' }), ['plain', 'closed', 'closed'])
  t.strictSame(cleared({ broken: BROKEN, recipients: KEYS }), ['plain', 'sealed', 'closed'])
  t.end()
})

t.test('what stays says why, with the layer that is to be mended', (t) => {
  const seal = { ...defaultSettings().seal, broken: BROKEN }
  for (const each of ['text', 'memory'] as const) {
    const cleared = clearance(each, seal)
    t.match(cleared.kind === 'closed' && cleared.reason, BROKEN, each)
  }
  t.end()
})
