//! The Lambda function `knockouts`; what it does is in the library beside this file.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(shared::work::Function::Knockouts, knockouts::handle).await
}
