# Both processes and the operator's command in one small image.
FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --workspace --bins

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/heycmo /source/target/release/heycmo-gateway /source/target/release/heycmo-mcp /source/target/release/heycmo-migrate /usr/local/bin/
CMD ["heycmo-gateway"]
