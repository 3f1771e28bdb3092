//! How clients reach the handler.
