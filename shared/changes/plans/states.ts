import type { Aspect, AspectState, StateOf } from '../aspect.ts'

/** @throws if it is another aspect's state: the engine read what the planner did not ask for */
function stateOf<Name extends Aspect>(aspect: Name, state: AspectState): StateOf<Name> {
  if (state.aspect !== aspect) throw new Error(`a planner of ${aspect} was given ${state.aspect}`)
  // What stands under an aspect's name is that aspect's state.
  return state as StateOf<Name>
}

export function rotationStateOf(state: AspectState): StateOf<'key-rotation'> {
  return stateOf('key-rotation', state)
}

export function encryptionStateOf(state: AspectState): StateOf<'bucket-encryption'> {
  return stateOf('bucket-encryption', state)
}

export function policyStateOf(state: AspectState): StateOf<'bucket-policy'> {
  return stateOf('bucket-policy', state)
}
