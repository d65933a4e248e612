/** How much of the machine's memory is wanted, as the setting `memory.scope` says it. */
export type Scope =
  | { readonly kind: 'off' | 'kernel' | 'kernel+shmem' | 'all' }
  /** The kernel, and the pages of one unit's processes. */
  | { readonly kind: 'kernel+unit'; readonly unit: string }

/** Words of the setting; a unit is named as systemd does (systemd.unit(5)). */
export const SCOPE = /^(off|kernel|kernel\+shmem|all|kernel\+unit:[A-Za-z0-9:_.\\@-]{1,255})$/
export const SCOPE_FORMS = '"off", "kernel", "kernel+shmem", "kernel+unit:NAME" or "all"'

const UNIT = 'kernel+unit:'

/** The scope of a setting that matches SCOPE. */
export function parseScope(text: string): Scope {
  if (text.startsWith(UNIT)) return { kind: 'kernel+unit', unit: text.slice(UNIT.length) }
  return { kind: text as Exclude<Scope['kind'], 'kernel+unit'> }
}

/** The scope as the setting spells it. */
export function scopeName(scope: Scope): string {
  return scope.kind === 'kernel+unit' ? `${UNIT}${scope.unit}` : scope.kind
}
