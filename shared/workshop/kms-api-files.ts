/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html */
export const PLAINTEXT_BYTES_MAX = 4096
/** One byte more than that. */
export const LARGER = 'larger_text.txt'
export const LARGER_CYCLED = 'larger_text_cycled.txt'
