//! Empty: the tests are in `pipeline/`.
