import { execFileSync, spawnSync } from 'node:child_process'
import t from 'tap'
import { demangled } from '../../../../agent/collector/unwind/names/demangle.ts'
import { cppName } from '../../../../agent/collector/unwind/names/itanium.ts'
import { seeded } from '../../../random.ts'

/** As c++filt(1) tells them, without what they return and take; Rust's without their hashes. */
const NAMES: Readonly<Record<string, string>> = {
  main: 'main',
  _start: '_start',
  'runtime.goexit.abi0': 'runtime.goexit',
  'runtime.newproc.abiinternal': 'runtime.newproc',
  'mine.abi0.part': 'mine.abi0.part',
  _Z3fooi: 'foo',
  _ZN3foo3barEv: 'foo::bar',
  _ZNK3foo3barEv: 'foo::bar',
  _ZN3fooC2ERKS_: 'foo::foo',
  _ZN3fooD0Ev: 'foo::~foo',
  _ZN12_GLOBAL__N_13fooEi: '(anonymous namespace)::foo',
  _ZZ4mainENKUlvE_clEv: 'main::{lambda()#1}::operator()',
  _ZZ3runiENKUliE0_clEi: 'run(int)::{lambda(int)#2}::operator()',
  _ZNSt6thread11_State_implINS_8_InvokerISt5tupleIJPFvvEEEEEE6_M_runEv:
    'std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (*)()> > >::_M_run',
  _ZNSt6vectorIiSaIiEE17_M_realloc_insertIJRKiEEEvN9__gnu_cxx17__normal_iteratorIPiS1_EEDpOT_:
    'std::vector<int, std::allocator<int> >::_M_realloc_insert<int const&>',
  _ZNSsC1EPKcRKSaIcE: 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string',
  _ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcm:
    'std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::_M_append',
  _ZN8MyVectorIiLi5ELb1EEixEm: 'MyVector<int, 5, true>::operator[]',
  _ZNK1ScvbEv: 'S::operator bool',
  _ZlsRSoRK1S: 'operator<<',
  _ZThn16_N1AD0Ev: 'non-virtual thunk to A::~A',
  '_ZN3foo3barEv.cold': 'foo::bar.cold',
  _ZNSt10filesystem7__cxx114path5_ListC2ERKS2_: 'std::filesystem::__cxx11::path::_List::_List',
  _ZN1fB5cxx11Ev: 'f[abi:cxx11]',
  _ZN4core3fmt5Write9write_fmt17h0123456789abcdefE: 'core::fmt::Write::write_fmt',
  '_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$u7d$$u7d$$GT$17h0123456789abcdefE':
    'core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>',
  '_ZN69_$LT$std..fs..DirEntry$u20$as$u20$std..os..unix..fs..DirEntryExt2$GT$13file_name_ref17h62d3dda7b9a7959eE':
    '<std::fs::DirEntry as std::os::unix::fs::DirEntryExt2>::file_name_ref',
  _RNvCs1234_7mycrate3foo: 'mycrate::foo',
  _RNCNCNCNvNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal00s_0B9_:
    'std::rt::lang_start_internal::{closure#0}::{closure#0}::{closure#1}',
  _RINvMNtCsgEmfK2I1SDS_4core3stre18trim_start_matchesReECsgY6Mt91CT9J_14rustc_demangle:
    '<str>::trim_start_matches::<&str>',
  _RNvXs1h_NtCsgEmfK2I1SDS_4core3fmtQShNtB6_5Debug3fmtCsgY6Mt91CT9J_14rustc_demangle:
    '<&mut [u8] as core::fmt::Debug>::fmt',
  _Zgarbage: '_Zgarbage',
  _ZN: '_ZN',
  _R: '_R',
  'runtime.main': 'runtime.main',
}

t.test('names as people write them', async (t) => {
  for (const [mangled, name] of Object.entries(NAMES)) t.equal(demangled(mangled), name)
})

t.test('the names of the C++ library, as c++filt tells them', async (t) => {
  const found = spawnSync('g++', ['-print-file-name=libstdc++.so.6'], { encoding: 'utf8' })
  if (found.status !== 0 || spawnSync('c++filt', ['--version']).status !== 0)
    return t.comment('there is no g++ or c++filt')
  const listed = execFileSync('nm', ['-D', '--defined-only', found.stdout.trim()], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const functions = listed.split('\n').flatMap((line) => / [TWi] (_Z[^@]+)/.exec(line)?.[1] ?? [])
  // Thunks are told there with what their targets take; nothing runs in a transaction's clone.
  const names = [...new Set(functions)].filter((name) => !/^_Z(T[hvc]|GT)/.test(name))
  const told = execFileSync('c++filt', ['-p'], { input: names.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 }).split(
    '\n',
  )
  const wrong = names.filter((name, index) => cppName(name) !== told[index])
  t.ok(names.length > 2_000)
  t.ok(wrong.length <= names.length / 200, `${wrong.length} of ${names.length} differ: ${wrong.slice(0, 3)}`)
})

t.test('no name takes long, or becomes long', async (t) => {
  const laughs = (levels: number) => {
    const sub = (index: number) => (index === 0 ? 'S_' : `S${(index - 1).toString(36).toUpperCase()}_`)
    const pairs = Array.from({ length: levels }, (_, level) => `S_I${sub(level + 1)}${sub(level + 1)}E`)
    return `_Z1fISt4pairIiiE${pairs.join('')}EvT_`
  }
  const strange = [laughs(60), `_Z${'P'.repeat(100_000)}i`, `_Z1fI${'IS_'.repeat(9000)}`, `_ZN${'1a'.repeat(50_000)}Ev`]
  const rust = [`_R${'NvC1a'.repeat(20_000)}`, `_RNvB_B_B_1a`, `_RINvC1a1b${'T'.repeat(5000)}`, `_RINvC1a1bTB8_B8_EE`]
  for (const name of [...strange, ...rust]) t.ok(demangled(name).length <= Math.max(name.length, 10_000))
})

t.test('names that were damaged', async (t) => {
  const draw = seeded(7)
  const number = (below: number) => Math.floor(draw() * below)
  const names = Object.keys(NAMES)
  for (let round = 0; round < 20_000; round++) {
    const name = [...(names[number(names.length)] ?? '')]
    for (let index = 0; index < 1 + number(3); index++) {
      const at = number(name.length + 1)
      const other = names[number(names.length)] ?? ''
      name.splice(at, number(3), other[number(other.length)] ?? '_')
    }
    t.equal(typeof demangled(name.join('')), 'string') || t.comment(name.join(''))
  }
})
