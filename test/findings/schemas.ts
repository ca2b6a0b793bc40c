import { Ajv, type AnySchemaObject } from 'ajv'

/** The form of an object of which these members are told, and no others: whoever adds one has to look it up first. */
export function closed(properties: Readonly<Record<string, AnySchemaObject>>, required: readonly string[]): AnySchemaObject {
  return { type: 'object', additionalProperties: false, properties, required: [...required] }
}

export function textOf(lengthMin: number, lengthMax: number): AnySchemaObject {
  return { type: 'string', minLength: lengthMin, maxLength: lengthMax }
}

export function listOf(items: AnySchemaObject, minItems = 0, maxItems?: number): AnySchemaObject {
  return { type: 'array', items, minItems, ...(maxItems !== undefined && { maxItems }) }
}

/** A number and the word that it stands for are told together. */
export function siblings(id: string, caption: string, words: Readonly<Record<number, string>>): AnySchemaObject {
  return {
    oneOf: Object.entries(words).map(([number, word]) => ({
      properties: { [id]: { const: Number(number) }, [caption]: { const: word } },
      required: [id, caption],
    })),
  }
}

/** Where, and how, something differs from a schema: `/compliance/status_id must be equal to constant`. */
export function differences(schema: AnySchemaObject): (value: unknown) => readonly string[] {
  const validate = new Ajv({ allErrors: true, strictRequired: false }).compile(schema)
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`))
}
