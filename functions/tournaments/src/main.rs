//! The Lambda function `tournaments`; what it does is in the library beside this file.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(shared::work::Function::Tournaments, tournaments::handle).await
}
