//! Nothing here: the tests are in `pipeline/`.
