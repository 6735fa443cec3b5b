//! Evaluates IAM and KMS policies the way AWS does.
