/** A hash slice of all function versions. 1,024 because rendezvous hashing balances within 5 % of the mean at three members. */
export const BUCKET_COUNT = 1024;

export type Bucket = number;
